-- Load for wrk: POST /get-online-features with ENTITIES random entities below KEYS and five features.
--   wrk … -s load.lua URL -- ENTITIES KEYS DELAY_PERCENT
-- DELAY_PERCENT of the requests wait a millisecond first (100 adds one, 200 two …), to hold the load below its peak.

local bodies, count, delays = {}, 512, 0

function init(args)
   local entities, keys = tonumber(args[1]), tonumber(args[2])
   delays = tonumber(args[3] or "0")
   math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 65536)
   if entities == 0 then wrk.method, wrk.body = "GET", nil; count = 0; return end
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/json"
   for n = 1, count do
      local ids = {}
      for e = 1, entities do ids[e] = math.random(0, keys - 1) end
      bodies[n] = wrk.format(nil, nil, nil, '{"entities":{"driver_id":[' .. table.concat(ids, ",") ..
         ']},"features":["driver_stats:conv_rate","driver_stats:acc_rate","driver_stats:avg_daily_trips",' ..
         '"driver_stats:score","driver_stats:earnings"],"full_feature_names":false}')
   end
end

local at = 0
function request()
   if count == 0 then return wrk.format() end
   at = at % count + 1
   return bodies[at]
end

function delay()
   local whole = math.floor(delays / 100)
   if math.random() * 100 < delays % 100 then whole = whole + 1 end
   return whole
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format('RESULT {"requests":%d,"seconds":%f,"errors":%d,"p50_ms":%f,"p99_ms":%f,"max_ms":%f}\n',
      summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
