-- Every scheduled departure: who, from where to where, when it was due (the moment of prediction), and how it went.
select
    flight_id,
    sched_dep_at as event_timestamp,
    carrier,
    flight_number,
    tailnum,
    origin,
    dest,
    month,
    sched_dep_hour,
    distance_mi,
    dep_delay_min as dep_delay,
    cancelled
from {{ ref('stg_flights') }}
