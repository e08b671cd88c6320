-- Has wrk ask for 1,000 different keys of the path that is its argument.

local path, key = "/", 0

function init(args)
  path = args[1]
end

function request()
  key = (key + 7) % 1000
  return wrk.format("GET", path .. "?k=" .. key)
end
