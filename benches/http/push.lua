-- wrk with one connection per thread: each thread is one device and counts its push_seq, because the same push again would be
-- answered as a duplicate. Environment: TOKENS (a file, one per line; empty: none), BODY (a file with a body of one push).
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("id", threads)
end

local function lines(name)
  local found = {}
  if name ~= nil and name ~= "" then
    for line in io.lines(name) do found[#found + 1] = line end
  end
  return found
end

function init()
  local file = assert(io.open(os.getenv("BODY"), "rb"))
  local body = file:read("*a")
  file:close()
  before, behind = body:sub(1, 5), body:sub(14)
  headers = { ["content-type"] = "application/octet-stream" }
  local token = lines(os.getenv("TOKENS"))[id]
  if token ~= nil then headers["authorization"] = "Bearer " .. token end
  seq = 0
end

function request()
  seq = seq + 1
  local number = {}
  local rest = seq
  for place = 8, 1, -1 do
    number[place] = string.char(rest % 256)
    rest = math.floor(rest / 256)
  end
  return wrk.format("POST", nil, headers, before .. table.concat(number) .. behind)
end

function done(summary)
  local refused = summary.errors.status
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  local rate = summary.requests / (summary.duration / 1e6)
  io.write(string.format('{"requests":{"average":%.1f,"total":%d},"non2xx":%d,"errors":%d}\n', rate, summary.requests, refused, lost))
end
