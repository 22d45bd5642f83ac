-- A page of the board.
-- ARGV: the state that the caller has a page of; the `before` that it expects; limit (-1: all); offset; the
--       member in the middle, or an empty text.
-- Returns: what became of it; and if that is 'same' or 'page': checked, Redis' time now; and of a page: state, size,
--          people, rank and distance of who is ahead, and one after the other of each row: member, -score, rank, rank
--          before, -score before.
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

local ranks = {}
local function rank_of(below)
    if not ranks[below] then
        ranks[below] = 1 + redis.call('ZCOUNT', ORDER, '-inf', '(' .. below)
    end
    return ranks[below]
end

local limit, offset = tonumber(ARGV[3]), tonumber(ARGV[4])
if limit < 0 then
    limit = size
end
local ahead = {}
if ARGV[5] ~= '' then
    local record = page_of(ARGV[5])[ARGV[5]]
    local place = record and redis.call('ZRANK', ORDER, member(ARGV[5], record))
    if not place then
        return { 'nobody' }
    end
    offset = math.max(0, math.min(place - math.floor(limit / 2), size - limit))
    local better = rank_of(string.format('%.17g', 0 - record[1])) - 1
    if better > 0 then
        local next = redis.call('ZRANGE', ORDER, better - 1, better - 1, 'WITHSCORES')[2]
        ahead = { rank_of(next), 0 - next - record[1] }
    end
end

local changed = tonumber(meta[7]) > 0
local ranks_before = {}
local function rank_before(score, rank)
    if fresh == '1' then
        return 1
    elseif not changed then
        return rank
    elseif not ranks_before[score] then
        local better = '(' .. score
        ranks_before[score] = 1 + redis.call('ZCOUNT', ORDER, '-inf', better)
            - redis.call('ZCOUNT', NOW, '-inf', better) + redis.call('ZCOUNT', WAS, '-inf', better)
    end
    return ranks_before[score]
end

local found = limit > 0 and redis.call('ZRANGE', ORDER, offset, offset + limit - 1, 'WITHSCORES') or {}
local rows = {}
local rank, last
for i = 1, #found, 2 do
    local bytes, score = found[i], found[i + 1]
    if score ~= last then
        if last then
            rank = offset + (i + 1) / 2
        else
            rank = rank_of(score)
        end
        last = score
    end
    local was = score
    if fresh == '1' then
        was = '0'
    elseif changed then
        local key = bytes:sub(tonumber(score) == 0 and 1 or 14)
        was = redis.call('ZSCORE', WAS, key:sub(1, key:find('\0', 1, true) - 1)) or score
    end
    local place = (i - 1) / 2 * 5
    rows[place + 1], rows[place + 2], rows[place + 3] = bytes, score, rank
    rows[place + 4], rows[place + 5] = rank_before(was, rank), was
end
return { 'page', checked, microseconds(), state, size, people or '', ahead, rows }
