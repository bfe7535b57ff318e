-- How each route's departures went over the trailing 30 days.
--
-- A row stamped 10:00 covers the outcomes that became known in [10:00 - 30 days, 10:00), so it never holds anything from
-- 10:00 or later. An hour without a new outcome has no row. Whole minutes are summed, so no rounding builds up.
with outcomes as (
    select
        origin,
        dest,
        date_trunc('hour', outcome_known_at) + interval '1 hour' as event_timestamp,
        dep_delay_min,
        cancelled
    from {{ ref('stg_flights') }}
),

hourly as (
    select
        origin,
        dest,
        event_timestamp,
        count(*) as flights,
        count(dep_delay_min) as departures,
        coalesce(sum(dep_delay_min), 0) as delay_min,
        sum(case when dep_delay_min > 15 then 1 else 0 end) as late,
        sum(case when cancelled then 1 else 0 end) as cancelled
    from outcomes
    group by origin, dest, event_timestamp
),

trailing as (
    select
        origin,
        dest,
        event_timestamp,
        sum(flights) over trailing_hours as flights,
        sum(departures) over trailing_hours as departures,
        sum(delay_min) over trailing_hours as delay_min,
        sum(late) over trailing_hours as late,
        sum(cancelled) over trailing_hours as cancelled
    from hourly
    -- 720 hourly rows: this one and the 719 before it.
    window trailing_hours as (
        partition by origin, dest
        order by event_timestamp
        range between interval '719 hours' preceding and current row
    )
)

select
    origin,
    dest,
    event_timestamp,
    cast(flights as bigint) as flights_30d,
    cast(delay_min as double) / nullif(cast(departures as double), 0) as mean_dep_delay_30d,
    cast(late as double) / nullif(cast(departures as double), 0) as share_late_30d,
    cast(cancelled as double) / nullif(cast(flights as double), 0) as share_cancelled_30d
from trailing
