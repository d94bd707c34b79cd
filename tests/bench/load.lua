-- The load of one measurement: wrk -s load.lua URL -- NAMES PUT_PERCENT
--
-- Every request is for the next of the names in the file NAMES; PUT_PERCENT of them are PUT, the others GET. Every
-- answer is checked, and the last line printed is a JSON object with the figures.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local gets, puts, put_percent, position = {}, {}, 0, 0

function init(arguments)
  put_percent = tonumber(arguments[2])
  local json = { ["Content-Type"] = "application/json" }
  for name in io.lines(arguments[1]) do
    local body = string.format('{"dateOfBirth":"%04d-%02d-%02d"}', 1950 + #puts % 70, 1 + #puts % 12, 1 + #puts % 28)
    table.insert(gets, wrk.format("GET", "/hello/" .. name))
    table.insert(puts, wrk.format("PUT", "/hello/" .. name, json, body))
  end
  -- Several workloads follow each other; none should start with the names the one before has just warmed up.
  math.randomseed(os.time())
  position = math.random(#gets)
  greeted, stored, wrong = 0, 0, 0
end

function request()
  position = position % #gets + 1
  if put_percent == 100 or (put_percent > 0 and math.random(100) <= put_percent) then
    return puts[position]
  end
  return gets[position]
end

-- wrk does not say which request an answer belongs to, so in a mix both right answers are accepted and counted.
function response(status, headers, body)
  if status == 200 and put_percent < 100 and string.find(body, '"Hello, ', 1, true) then
    greeted = greeted + 1
  elseif status == 204 and put_percent > 0 then
    stored = stored + 1
  else
    wrong = wrong + 1
  end
end

local function total(counter)
  local sum = 0
  for _, thread in ipairs(threads) do
    sum = sum + thread:get(counter)
  end
  return sum
end

function done(summary, latency, requests)
  local errors = summary.errors
  local figures = {
    requests = summary.requests,
    seconds = summary.duration / 1e6,
    p50_ms = latency:percentile(50) / 1e3,
    p99_ms = latency:percentile(99) / 1e3,
    max_ms = latency.max / 1e3,
    greeted = total("greeted"),
    stored = total("stored"),
    wrong = total("wrong"),
    failed = errors.connect + errors.read + errors.write + errors.timeout,
  }
  local fields = {}
  for name, value in pairs(figures) do
    table.insert(fields, string.format('"%s":%.3f', name, value))
  end
  io.write("{", table.concat(fields, ","), "}\n")
end
