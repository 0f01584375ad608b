/* What the server does in one step. Redis runs a script alone; what it changes is replicated as its effects. */
#include "redis_store.h"

/* KEYS: the counter of versions, the index of names, the index of names by their end; the keys of the conditions; those
 * of the writes. ARGV: how many conditions, the tag, the channel; the version of each condition in 16 hexadecimal
 * digits, or nothing; of each write `p` or `d`, the value, and how long to keep it in ms, or 0.
 * Answers {0} when a condition does not hold, else {1, version, time in ms}.
 *
 * A version is the time in microseconds, or the last one and 1: so it is greater than all before it also after FLUSHALL, and
 * after a failover that has lost the counter's last steps. It stays under 2^53, which a number of Lua can hold, for 200 years.
 *
 * What Redis refuses (no memory, read only, too few replicas) it refuses at the first write, which is the counter's: nothing
 * is written then. PUBLISH may be forbidden, and is a hint: its error is passed over. */
const char commit_script[] =
    "local conditions, tag = tonumber(ARGV[1]), ARGV[2]\n"
    "if conditions > 8 then\n" /* of leases, whose values are small: one call is a third of so many */
    "  local found = redis.pcall('MGET', unpack(KEYS, 4, 3 + conditions))\n"
    "  if found.err then return found end\n"
    "  for i = 1, conditions do\n"
    "    if string.sub(found[i] or '', 1, 16) ~= ARGV[3 + i] then return {0} end\n"
    "    if not found[i] and redis.call('EXISTS', KEYS[3 + i]) == 1 then return {0} end\n"
    "  end\n"
    "else\n"
    "  for i = 1, conditions do\n"
    "    local found = redis.pcall('GETRANGE', KEYS[3 + i], 0, 15)\n"
    "    if type(found) == 'table' and not string.find(found.err, 'WRONGTYPE', 1, true) then return found end\n"
    "    if found ~= ARGV[3 + i] then return {0} end\n" /* what is no text has none of our versions */
    "  end\n"
    "end\n"
    "local time = redis.call('TIME')\n"
    "local us = tonumber(time[1]) * 1000000 + tonumber(time[2])\n"
    "local version = (tonumber(redis.call('GET', KEYS[1]) or 0) or 0) + 1\n"
    "if us > version then version = us end\n"
    "redis.call('SET', KEYS[1], string.format('%.0f', version))\n"
    "local ms = math.floor(us / 1000)\n"
    "local head = string.format('%016x %013.0f ', version, ms)\n"
    "local aging = 0\n"
    "local at = 3 + conditions\n"
    "for i = 4 + conditions, #KEYS do\n"
    "  local key, name = KEYS[i], string.sub(KEYS[i], #tag + 1)\n"
    "  if ARGV[at + 1] == 'd' then\n"
    "    redis.call('DEL', key)\n"
    "    redis.call('ZREM', KEYS[2], name)\n"
    "  else\n"
    "    local keep = ARGV[at + 3]\n"
    "    if keep == '0' then\n"
    "      redis.call('SET', key, head .. ARGV[at + 2])\n"
    "    else\n"
    "      redis.call('SET', key, head .. ARGV[at + 2], 'PX', keep)\n"
    "      redis.call('ZADD', KEYS[3], string.format('%.0f', ms + tonumber(keep)), name)\n"
    "      aging = aging + 1\n"
    "    end\n"
    "    redis.call('ZADD', KEYS[2], 0, name)\n"
    "  end\n"
    "  redis.pcall('PUBLISH', ARGV[3], name)\n"
    "  at = at + 3\n"
    "end\n"
    /* A key that ends by itself leaves its name behind. Whoever adds such keys looks after twice as many and eight others:
     * so the index gets shorter, and a commit's work is bounded by what it writes itself. */
    "if aging > 0 then\n"
    "  local most = 2 * aging + 8\n"
    "  local now = string.format('%.0f', ms)\n"
    "  for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, most)) do\n"
    "    local left = redis.call('PTTL', tag .. name)\n"
    "    if left == -2 then redis.call('ZREM', KEYS[2], name) end\n"
    "    if left < 0 then\n"
    "      redis.call('ZREM', KEYS[3], name)\n"
    "    else\n"
    "      redis.call('ZADD', KEYS[3], string.format('%.0f', ms + left), name)\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return {1, string.format('%.0f', version), string.format('%.0f', ms)}\n";

/* KEYS: the index of names; keys whose names are in it. ARGV: the tag. Takes the names of those that are not there out of
 * the index. */
const char forget_script[] =
    "for i = 2, #KEYS do\n"
    "  if redis.call('EXISTS', KEYS[i]) == 0 then\n"
    "    redis.call('ZREM', KEYS[1], string.sub(KEYS[i], #ARGV[1] + 1))\n"
    "  end\n"
    "end\n"
    "return 0\n";
