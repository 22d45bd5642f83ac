-- Puts a board that has been built under five other keys in the place of what is there, if that is not newer.
-- KEYS: those of the board, then those of the building for order, pages, now, was, later.
-- ARGV: the number of the journal that it reflects; seconds to live; the fields of its meta and their values.
local state = redis.call('HGET', META, 'state')
if state and tonumber(state:match('^%d+')) > tonumber(ARGV[1]) then
    for i = 7, 11 do
        redis.call('UNLINK', KEYS[i])
    end
    return 'other'
end
redis.call('DEL', META)
redis.call('HSET', META, unpack(ARGV, 3))
redis.call('EXPIRE', META, ARGV[2] - 60)  -- before the others: a board without meta is none
for i = 2, 6 do
    redis.call('UNLINK', KEYS[i])
    if redis.call('EXISTS', KEYS[i + 5]) == 1 then
        redis.call('RENAME', KEYS[i + 5], KEYS[i])
        redis.call('EXPIRE', KEYS[i], ARGV[2])
    end
end
redis.call('HSET', META, 'changed', redis.call('ZCARD', WAS), 'later', redis.call('ZCARD', LATER))
return 'applied'
