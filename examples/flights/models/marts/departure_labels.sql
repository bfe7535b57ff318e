-- The entity rows of a training set: the departures of one month. Another month is one line in hanok.yaml:
-- vars: { training_month: 2 }. Cancelled flights stay in, with a null dep_delay; the README says why.
select
    flight_id,
    event_timestamp,
    carrier,
    flight_number,
    tailnum,
    origin,
    dest,
    month,
    sched_dep_hour,
    distance_mi,
    dep_delay,
    cancelled
from {{ ref('departures') }}
where month = {{ var('training_month', 1) }}
