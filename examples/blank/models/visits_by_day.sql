-- One row for each place and day, stamped with the moment at which the day is over and its numbers are known.
select
    place,
    cast(day as timestamp) + interval '1 day' as event_timestamp,
    sum(visits) as visits,
    sum(minutes) as minutes
from {{ source('raw', 'visits') }}
group by place, day
