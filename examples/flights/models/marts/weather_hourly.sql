-- An hour's weather is stamped with the END of that hour: the readings within it run up to its 51st minute, and the rain
-- is summed up to then, so at the start of the hour nobody knows them yet.
select
    origin,
    observed_hour + interval '1 hour' as event_timestamp,
    observed_hour,
    temp_f,
    dew_point_f,
    humidity_pct,
    wind_dir_deg,
    wind_speed_mph,
    wind_gust_mph,
    precip_in,
    pressure_mb,
    visibility_mi
from {{ ref('stg_weather') }}
