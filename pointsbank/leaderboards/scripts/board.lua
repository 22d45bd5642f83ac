-- What the scripts share; it stands before each of them. The keys are those of one board, in one slot:
--   meta   a hash: state, size, buckets, changed, later, checked, before, fresh, people
--   order  a sorted set of everybody by -score; among equals by bytes, see member()
--   pages  a hash of buckets (by the SHA-1 of the key), each a packed table: key -> {score, at, number, name}
--   now, was  of those whose score has changed since `before` only: their keys by -score, now and then
--   later  what happens after today, by when: so that tomorrow can begin without asking the ledger
-- Times are microseconds since 1900, but `checked` is of Redis' own clock; all numbers are whole and below 2^53. (Where they become
-- text it is not by `..`, which rounds to 14 digits; and 0 - score, because -0 is another text than 0.)
local META, ORDER, PAGES, NOW, WAS, LATER = unpack(KEYS)

-- Who reached a score first stands first; with nothing earned the order is that of the keys.
local function member(key, record)
    local shown = key .. '\0' .. record[4]
    if record[1] == 0 then
        return shown
    end
    return struct.pack('>I7I6', record[2], record[3]) .. shown
end

local buckets
local function packed_with(key)
    buckets = buckets or redis.call('HGET', META, 'buckets')
    local bucket = tonumber(redis.sha1hex(key):sub(1, 8), 16) % buckets
    return redis.call('HGET', PAGES, bucket), bucket
end

local function page_of(key)
    local packed, bucket = packed_with(key)
    return packed and cmsgpack.unpack(packed) or {}, bucket
end

local function microseconds()
    local time = redis.call('TIME')
    return time[1] * 1000000 + time[2]
end

-- Whether every key is there: Redis may be told to evict, and evicts key by key, each as a whole.
local function intact(size, changed, later)
    local wanted = (tonumber(size) > 0 and 2 or 0) + (tonumber(changed) > 0 and 2 or 0) + (tonumber(later) > 0 and 1 or 0)
    return redis.call('EXISTS', ORDER, PAGES, NOW, WAS, LATER) == wanted
end
