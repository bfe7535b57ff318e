-- What the aircraft registry knows of each plane: one row a plane and calendar year, stamped with the start of that
-- year in New York, because the age goes up then. Flights on and after that moment see the row.
with years as (
    select cast(column1 as bigint) as as_of_year
    from (values (2013), (2014))
)

select
    planes.tailnum,
    arrow_cast(
        arrow_cast(make_date(years.as_of_year, 1, 1), 'Timestamp(Microsecond, None)') at time zone 'America/New_York',
        'Timestamp(Microsecond, Some("UTC"))'
    ) as event_timestamp,
    planes.manufacture_year,
    years.as_of_year - planes.manufacture_year as age_years,
    planes.seats,
    planes.engines,
    -- The registry spells the large makers in several ways.
    case
        when planes.manufacturer like 'AIRBUS%' then 'AIRBUS'
        when planes.manufacturer like 'MCDONNELL DOUGLAS%' then 'MCDONNELL DOUGLAS'
        when planes.manufacturer like 'CANADAIR%' then 'CANADAIR'
        else planes.manufacturer
    end as manufacturer
from {{ ref('stg_planes') }} as planes
cross join years
