-- A page of the board.
-- ARGV: the state that the caller has a page of; the `before` that it expects; limit (-1: all); offset; the
--       member in the middle, or an empty text.
-- Returns: what became of it; and if that is 'same' or 'page': checked, Redis' time now; and of a page: state, size,
--          people, rank and distance of who is ahead; one after the other of each row: member, -score, rank; and in
--          the same order rank before, -score before, if any of the board's has changed.
local meta = redis.call('HMGET', META, 'state', 'before', 'size', 'checked', 'fresh', 'people', 'changed', 'later', 'buckets')
buckets = meta[9]
local state, before, size, checked, fresh, people = unpack(meta)
if not state then
    return { 'missing' }
end
if before ~= ARGV[2] then
    return { 'turned' }
end
if not intact(size, meta[7], meta[8]) then
    return { 'broken' }
end
size = tonumber(size)
checked = tonumber(checked)
if state == ARGV[1] then
    return { 'same', checked, microseconds() }
end

local limit, offset = tonumber(ARGV[3]), tonumber(ARGV[4])
if limit < 0 then
    limit = size
end

-- The record of the key, if it is where the key's bytes are first found: they may also be part of something else.
local function nearby(packed, key)
    local _, last = packed:find(key .. '\148', 1, true)
    if not last then
        return nil
    end
    local whole, _, record = pcall(cmsgpack.unpack_one, packed, last - 1)
    if whole and type(record[1]) == 'number' and type(record[2]) == 'number' and type(record[3]) == 'number'
        and type(record[4]) == 'string' then
        return record
    end
end

-- Where somebody stands, from 0; nil or false for nobody. Most often one record is unpacked, and not all of its page.
local function place_of(key)
    local packed = packed_with(key)
    if not packed then
        return nil
    end
    local record = nearby(packed, key)
    local place = record and redis.call('ZRANK', ORDER, member(key, record))
    if place then
        return place
    end
    record = cmsgpack.unpack(packed)[key]
    return record and redis.call('ZRANK', ORDER, member(key, record))
end

local function rank_of(below)
    return 1 + redis.call('ZCOUNT', ORDER, '-inf', '(' .. below)
end

local place
local from = offset
if ARGV[5] ~= '' then
    place = place_of(ARGV[5])
    if not place then
        return { 'nobody' }
    end
    offset = math.max(0, math.min(place - math.floor(limit / 2), size - limit))
    from = math.max(0, offset - 1) -- who is ahead is most often the one before
end
local found = limit > 0 and redis.call('ZRANGE', ORDER, from, offset + limit - 1, 'WITHSCORES') or {}
local ranks = {}
for i = 1, #found / 2 do
    if i == 1 then
        ranks[i] = rank_of(found[2])
    else
        ranks[i] = found[2 * i] == found[2 * i - 2] and ranks[i - 1] or from + i
    end
end

local ahead = {}
if place then
    local own = place - from + 1
    local last = ranks[own] - 1 - from -- of those who are ahead, among who was found
    if last > 0 then
        ahead = { ranks[last], found[2 * own] - found[2 * last] }
    elseif ranks[own] > 1 then
        local next = redis.call('ZRANGE', ORDER, ranks[own] - 2, ranks[own] - 2, 'WITHSCORES')[2]
        ahead = { rank_of(next), found[2 * own] - next }
    end
end

local moved = fresh == '1' or tonumber(meta[7]) > 0
local ranks_before = {}
local function rank_before(score)
    if fresh == '1' then
        return 1
    end
    if not ranks_before[score] then
        local better = '(' .. score
        ranks_before[score] = 1 + redis.call('ZCOUNT', ORDER, '-inf', better)
            - redis.call('ZCOUNT', NOW, '-inf', better) + redis.call('ZCOUNT', WAS, '-inf', better)
    end
    return ranks_before[score]
end

local function score_before(bytes, score)
    if fresh == '1' then
        return '0'
    end
    local key = bytes:sub(tonumber(score) == 0 and 1 or 14)
    return redis.call('ZSCORE', WAS, key:sub(1, key:find('\0', 1, true) - 1)) or score
end

local rows, before_of_rows = {}, {}
for i = offset - from + 1, #found / 2 do
    local row = #rows
    rows[row + 1], rows[row + 2], rows[row + 3] = found[2 * i - 1], found[2 * i], ranks[i]
    if moved then
        local was = score_before(found[2 * i - 1], found[2 * i])
        local fields = #before_of_rows
        before_of_rows[fields + 1], before_of_rows[fields + 2] = rank_before(was), was
    end
end
return { 'page', checked, microseconds(), state, size, people or '', ahead, rows, before_of_rows }
