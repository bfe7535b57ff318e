-- Flights go to four Caribbean airports that the airports file does not have. They are added here with their time
-- zones, so that every destination has one.
select
    faa,
    name as airport_name,
    cast(lat as double) as lat_deg,
    cast(lon as double) as lon_deg,
    cast(alt as double) as altitude_ft,
    tzone as time_zone,
    false as is_added
from {{ source('raw', 'airports') }}

union all

select
    added.faa,
    added.airport_name,
    cast(null as double) as lat_deg,
    cast(null as double) as lon_deg,
    cast(null as double) as altitude_ft,
    added.time_zone,
    true as is_added
from (
    values
        ('BQN', 'Rafael Hernandez', 'America/Puerto_Rico'),
        ('PSE', 'Mercedita', 'America/Puerto_Rico'),
        ('SJU', 'Luis Munoz Marin', 'America/Puerto_Rico'),
        ('STT', 'Cyril E. King', 'America/St_Thomas')
) as added (faa, airport_name, time_zone)
