-- One thread of clients that redeem (or read) points: every request with a member and a key of its own.
-- Arguments after "--": path, token ("-" for none), members' prefix, number of members (0: the prefix is the
-- one member), name of the run, "redeem", "insert", "read" or "ask", a seed, and the body to ask with, in which "@member"
-- stands for the member.

local headers = { ["Content-Type"] = "application/json" }
local path, prefix, members, run, kind, asked, fixed
local count = 0
local today = os.date("!%Y-%m-%d")
local products = { "MUSIC", "BOOK", "FILM" }

function init(args)
   path, prefix, members, run, kind = args[1], args[3], tonumber(args[4]), args[5], args[6]
   if args[2] ~= "-" then
      headers["Authorization"] = "Bearer " .. args[2]
   end
   math.randomseed(tonumber(args[7]))
   asked = args[8]
   if kind == "ask" and members == 0 then
      fixed = wrk.format("POST", path, headers, (asked:gsub("@member", prefix)))
   elseif kind == "ask" then
      response = look
   end
end

-- GraphQL tells a failure with status 200. `done` reads this one, so it is no local.
failed = 0
function look(status, _, answer)
   if status == 200 and answer:find('"errors"', 1, true) then
      failed = failed + 1
   end
end

function request()
   if fixed then
      return fixed
   end
   count = count + 1
   local member = prefix
   if members > 0 then
      member = prefix .. math.random(members)
   end
   local body
   if kind == "read" then
      body = '{"RelationReference":"' .. member .. '"}'
   elseif kind == "ask" then
      body = asked:gsub("@member", member)
   elseif kind == "insert" then
      -- As the published API has it: a purchase is told from others by its own id, a key is an addition of ours.
      body = '{"transaction_id":"' .. run .. "-" .. count .. '","member_relation_reference":"' .. member
         .. '","transaction_type":"DR","amount":"' .. math.random(500) .. ".25" .. '","transaction_date":"' .. today
         .. '","product_code":"' .. products[math.random(3)] .. '","quantity":' .. math.random(8) .. '}'
   else
      headers["Idempotency-Key"] = run .. "-" .. count
      body = '{"RelationReference":"' .. member .. '","Points":' .. math.random(100)
         .. ',"Amount":1,"MerchantName":"Corner Shop","LoyaltyTxnType":30}'
   end
   return wrk.format("POST", path, headers, body)
end

local threads = {}
function setup(thread)
   threads[#threads + 1] = thread
end

function done(summary, latency, requests)
   local errors = summary.errors
   local lost = errors.connect + errors.read + errors.write + errors.timeout
   local refused = errors.status
   for _, thread in ipairs(threads) do
      refused = refused + (thread:get("failed"))
   end
   io.write(string.format(
      '{"requests":%d,"refused":%d,"lost":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f}\n',
      summary.requests, refused, lost, summary.duration / 1e6,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
