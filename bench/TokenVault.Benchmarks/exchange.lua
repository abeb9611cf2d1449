-- wrk script: POSTs the bodies of a file, and counts the answers that are not a 200 with a stored token.
-- arguments: FILE (a body a line), random | around (in order, again and again) | in-order (once), how many to skip, what a right token begins with,
--   a seed

local bodies, token = {}, ''
local order = ''
local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

function init(args)
   wrong = 0
   order = args[2]
   token = '"access_token":"' .. args[4]
   local skip = order == 'in-order' and tonumber(args[3]) or 0
   for line in io.lines(args[1]) do
      if skip > 0 then
         skip = skip - 1
      else
         bodies[#bodies + 1] = wrk.format('POST', '/oauth/token', {
            ['Content-Type'] = 'application/x-www-form-urlencoded', ['Host'] = wrk.host, ['X-Forwarded-Proto'] = 'https',
         }, line)
      end
   end
   used = order == 'around' and tonumber(args[3]) or 0
   math.randomseed(tonumber(args[5]))
end

function request()
   if order == 'random' then
      return bodies[math.random(#bodies)]
   end
   used = used + 1
   if order == 'around' then
      return bodies[(used - 1) % #bodies + 1]
   end
   if used > #bodies then
      wrong = wrong + 1
      return bodies[#bodies]
   end
   return bodies[used]
end

function response(status, headers, body)
   if status ~= 200 or not string.find(body, token, 1, true) then
      wrong = wrong + 1
   end
end

function done(summary, latency, requests)
   local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
   for _, thread in ipairs(threads) do
      failed = failed + thread:get('wrong')
   end
   local permille = {}
   for i = 1, 1000 do
      permille[i] = string.format('%d', latency:percentile(i / 10))
   end
   print(string.format('RESULT %d %d %d %s', summary.requests, failed, summary.duration, table.concat(permille, ' ')))
end
