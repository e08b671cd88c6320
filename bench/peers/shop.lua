-- Has wrk visit the shop as 1,000 customers: of ten requests five are pages, three JSON, one fills a basket and one checks out.

local visits = { "/products", "/api/product", "/products", "/api/product", "/products", "/basket", "/products", "/api/product", "/products", "/checkout" }
local n = 0

function request()
  n = n + 1
  local path = visits[n % #visits + 1]
  local method = (path == "/basket" or path == "/checkout") and "POST" or "GET"
  return wrk.format(method, path .. "?k=" .. n * 7 % 1000, { Cookie = "session=s" .. math.floor(n / 10) % 1000 })
end
