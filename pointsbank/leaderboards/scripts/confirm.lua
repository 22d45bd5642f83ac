-- Notes that the ledger had nothing newer than this state at that time. ARGV: state; checked.
-- Returns 'applied', 'other' for another state, or 'broken'.
local meta = redis.call('HMGET', META, 'state', 'size', 'changed', 'later')
if meta[1] ~= ARGV[1] then
    return 'other'
end
if not intact(meta[2], meta[3], meta[4]) then
    return 'broken'
end
redis.call('HSET', META, 'checked', ARGV[2])
return 'applied'
