-- Notes that the ledger had nothing newer than this state at that time. ARGV: state; checked.
if redis.call('HGET', META, 'state') == ARGV[1] then
    redis.call('HSET', META, 'checked', ARGV[2])
end
