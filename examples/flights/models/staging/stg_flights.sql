-- One row a flight, with every clock turned into UTC. Stored as a table because four marts read it.
{{ config(materialized='table') }}

{% set utc = 'Timestamp(Microsecond, Some("UTC"))' %}
{% set naive = 'Timestamp(Microsecond, None)' %}
{% set dest_zones = [
    'America/Anchorage', 'America/Chicago', 'America/Denver', 'America/Los_Angeles', 'America/New_York',
    'America/Phoenix', 'America/Puerto_Rico', 'America/St_Thomas', 'Pacific/Honolulu'
] %}

with scheduled as (
    -- The scheduled departure: a wall clock in New York, read with that zone's rules (summer time from 10 March to
    -- 3 November 2013). The result equals time_hour plus the minutes, which is an independent check.
    select
        flights.*,
        arrow_cast(
            (
                arrow_cast(make_date(year, month, day), '{{ naive }}')
                + arrow_cast((hour * 60 + minute) * 60000000, 'Duration(Microsecond)')
            ) at time zone 'America/New_York',
            '{{ utc }}'
        ) as sched_dep_at
    from {{ source('raw', 'flights') }} as flights
),

departed as (
    select
        scheduled.*,
        airports.time_zone as dest_time_zone,
        sched_dep_at + arrow_cast(dep_delay * 60000000, 'Duration(Microsecond)') as dep_at
    from scheduled
    left join {{ ref('stg_airports') }} as airports on airports.faa = scheduled.dest
),

-- The arrival is given as a wall clock at the destination without a date. It is the first moment with that clock at or
-- after departure plus air time; what lies between is taxiing. Going from UTC to local never meets a missing or a
-- double hour, which is why the comparison is made on the local side.
airborne as (
    select
        departed.*,
        dep_at + arrow_cast(air_time * 60000000, 'Duration(Microsecond)') as earliest_arr_at
    from departed
),

local_clock as (
    select
        airborne.*,
        case dest_time_zone
            {% for zone in dest_zones %}
            when '{{ zone }}' then
                date_part('hour', earliest_arr_at at time zone '{{ zone }}') * 60
                + date_part('minute', earliest_arr_at at time zone '{{ zone }}')
            {% endfor %}
        end as earliest_arr_minute
    from airborne
)

select
    cast(make_date(year, month, day) as varchar) || '-' || carrier || '-' || cast(flight as varchar)
        || '-' || origin as flight_id,
    make_date(year, month, day) as local_date,
    cast(month as bigint) as month,
    carrier,
    cast(flight as bigint) as flight_number,
    tailnum,
    origin,
    dest,
    cast(distance as double) as distance_mi,
    cast(hour as bigint) as sched_dep_hour,
    sched_dep_at,
    dep_at,
    earliest_arr_at + arrow_cast(
        -- Both sides are minutes of a day (2400 is midnight), so adding one day keeps the remainder from being negative.
        (
            (
                cast(floor(cast(arr_time as double) / 100.0) as bigint) * 60 + cast(arr_time as bigint) % 100
                - cast(earliest_arr_minute as bigint) + 1440
            ) % 1440
        ) * 60000000,
        'Duration(Microsecond)'
    ) as arr_at,
    cast(dep_delay as bigint) as dep_delay_min,
    cast(arr_delay as bigint) as arr_delay_min,
    cast(air_time as bigint) as air_time_min,
    dep_time is null as cancelled,
    -- When the departure's outcome counts as known; the README says why. Never before the schedule, so that a flight
    -- that left early cannot be found in its own features.
    case
        when dep_time is null then sched_dep_at + interval '24 hours'
        else greatest(sched_dep_at, dep_at)
    end as outcome_known_at
from local_clock
