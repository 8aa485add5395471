-- What wrk does for bench.wrk: waits between requests, guesses passwords, and tells all in one line of JSON at the end.
-- Arguments: milliseconds to wait before each request, and Base64 of "name:" where passwords are guessed.

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
local pause = 0
local guess = nil
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  pause = tonumber(args[1])
  unauthorized, too_many, others = 0, 0, 0
  if args[2] then
    math.randomseed(os.time())
    guess = args[2]
    -- Only then: a callback for each response would slow down the scrapes that are measured.
    response = function(status)
      if status == 401 then
        unauthorized = unauthorized + 1
      elseif status == 429 then
        too_many = too_many + 1
      else
        others = others + 1
      end
    end
    -- Eight characters of Base64 after "name:" are six bytes that nobody has tried.
    request = function()
      local letters = {}
      for index = 1, 8 do
        local at = math.random(#alphabet)
        letters[index] = alphabet:sub(at, at)
      end
      wrk.headers["Authorization"] = "Basic " .. guess .. table.concat(letters)
      return wrk.format()
    end
  end
  if pause > 0 then
    delay = function()
      return pause
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  local counts = {unauthorized = 0, too_many = 0, others = 0}
  for _, thread in ipairs(threads) do
    for name in pairs(counts) do
      counts[name] = counts[name] + thread:get(name)
    end
  end
  print(string.format(
    '{"requests": %d, "seconds": %f, "bytes": %d, "p50": %f, "p99": %f, "slowest": %f, "status": %d, "socket": %d, ' ..
      '"unauthorized": %d, "too_many": %d, "others": %d}',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    counts.unauthorized, counts.too_many, counts.others))
end
