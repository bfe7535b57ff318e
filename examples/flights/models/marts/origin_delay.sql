-- How each airport's departures went over the trailing 3 hours: is it backing up right now?
--
-- A row stamped 10:00 covers the departures that became known in [07:00, 10:00). An hour without a departure has no
-- row. Cancelled flights are left out: they count as known a day later, which says nothing about the present hour.
with outcomes as (
    select
        origin,
        date_trunc('hour', outcome_known_at) + interval '1 hour' as event_timestamp,
        dep_delay_min
    from {{ ref('stg_flights') }}
    where not cancelled
),

hourly as (
    select
        origin,
        event_timestamp,
        count(*) as departures,
        sum(dep_delay_min) as delay_min,
        sum(case when dep_delay_min > 15 then 1 else 0 end) as late
    from outcomes
    group by origin, event_timestamp
),

trailing as (
    select
        origin,
        event_timestamp,
        sum(departures) over trailing_hours as departures,
        sum(delay_min) over trailing_hours as delay_min,
        sum(late) over trailing_hours as late
    from hourly
    -- 3 hourly rows: this one and the 2 before it.
    window trailing_hours as (
        partition by origin
        order by event_timestamp
        range between interval '2 hours' preceding and current row
    )
)

select
    origin,
    event_timestamp,
    cast(departures as bigint) as departures_3h,
    cast(delay_min as double) / cast(departures as double) as mean_dep_delay_3h,
    cast(late as double) / cast(departures as double) as share_late_3h
from trailing
