select
    tailnum,
    cast(year as bigint) as manufacture_year,
    type as plane_type,
    manufacturer,
    model,
    cast(engines as bigint) as engines,
    cast(seats as bigint) as seats,
    engine as engine_type
from {{ source('raw', 'planes') }}
