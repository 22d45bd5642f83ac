-- Takes the board from one state to the next, whole or not at all.
-- ARGV: the state that it must have; the one that it gets; checked; before; fresh; where tomorrow begins; people (empty: as it
--       was); then the number and the fields of
--   additions: key, amount, amount before, at, number (of somebody who is not on the board: left out)
--   settings: key, name, score, score before, at, number (made or changed to be just so)
--   of what happens after today: key, amount, at, number
-- Returns 'applied', 'other' for another state, 'broken', or 'large' for a score that a sorted set cannot hold: the
-- board is then gone.
local MAX = 9007199254740991
local meta = redis.call('HMGET', META, 'state', 'before', 'size', 'changed', 'later')
if meta[1] ~= ARGV[1] then
    return 'other'
end
if not intact(meta[3], meta[4], meta[5]) then
    return 'broken'
end
local size = tonumber(meta[3])
local before, fresh, tomorrow = ARGV[4], ARGV[5] == '1', tonumber(ARGV[6])
local place = 8

local function each(width, work)
    local count = tonumber(ARGV[place])
    place = place + 1
    for _ = 1, count do
        work(unpack(ARGV, place, place + width - 1))
        place = place + width
    end
end

local function mark(key, score, was)
    redis.call('ZADD', NOW, 0 - score, key)
    redis.call('ZADD', WAS, 0 - was, key)
end

if before ~= meta[2] then
    redis.call('DEL', NOW, WAS)
    local shifts = {}
    local later = redis.call('ZRANGEBYSCORE', LATER, before, '+inf')
    for _, text in ipairs(later) do
        local key, amount = text:match('^([^%z]+)%z(-?%d+)')
        shifts[key] = (shifts[key] or 0) + amount
    end
    if not fresh then
        for key, shift in pairs(shifts) do
            local record = page_of(key)[key]
            if record then
                mark(key, record[1], record[1] - shift)
            end
        end
    end
    redis.call('ZREMRANGEBYSCORE', LATER, '-inf', '(' .. tomorrow)
end

local large = false
local function put(page, bucket, key, record, was)
    if page[key] then
        redis.call('ZREM', ORDER, member(key, page[key]))
    else
        size = size + 1
    end
    page[key] = record
    redis.call('HSET', PAGES, bucket, cmsgpack.pack(page))
    redis.call('ZADD', ORDER, 0 - record[1], member(key, record))
    if not fresh and (was ~= record[1] or redis.call('ZSCORE', WAS, key)) then
        mark(key, record[1], was)
    end
    large = large or math.abs(record[1]) > MAX
end

each(5, function(key, amount, amount_before, at, number)
    local page, bucket = page_of(key)
    local record = page[key]
    if not record then
        return
    end
    local was = redis.call('ZSCORE', WAS, key)
    was = (was and 0 - was or record[1]) + amount_before
    at, number = tonumber(at), tonumber(number)
    if at < record[2] or (at == record[2] and number < record[3]) then
        at, number = record[2], record[3]
    end
    put(page, bucket, key, { record[1] + amount, at, number, record[4] }, was)
end)

each(6, function(key, name, score, was, at, number)
    local page, bucket = page_of(key)
    put(page, bucket, key, { tonumber(score), tonumber(at), tonumber(number), name }, tonumber(was))
    for _, text in ipairs(redis.call('ZRANGE', LATER, 0, -1)) do
        if text:match('^[^%z]+') == key then
            redis.call('ZREM', LATER, text)
        end
    end
end)

each(4, function(key, amount, at, number)
    redis.call('ZADD', LATER, at, table.concat({ key, amount, number, at }, '\0'))
end)

if large then
    redis.call('DEL', META, ORDER, PAGES, NOW, WAS, LATER)
    return 'large'
end
redis.call('HSET', META, 'state', ARGV[2], 'size', size, 'checked', ARGV[3], 'before', before, 'fresh', ARGV[5],
    'changed', redis.call('ZCARD', WAS), 'later', redis.call('ZCARD', LATER))
if ARGV[7] ~= '' then
    redis.call('HSET', META, 'people', ARGV[7])
end
return 'applied'
