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
    "for i = 1, conditions do\n"
    "  local found = redis.pcall('GETRANGE', KEYS[3 + i], 0, 15)\n"
    "  if type(found) == 'table' and not string.find(found.err, 'WRONGTYPE', 1, true) then return found end\n"
    "  if found ~= ARGV[3 + i] then return {0} end\n" /* what is no text has none of our versions */
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

/* KEYS: the index of names. ARGV: the tag, the least and the greatest name as ZRANGEBYLEX has them, the limit.
 * Answers {time in ms, name, value, name, value, ...}.
 *
 * Only what begins with a head (see head_read) is one of ours. Anything else under a name is passed over and does not count:
 * a page that is short for another reason than the end would be taken for it. */
const char list_script[] =
    "local tag, least, limit = ARGV[1], ARGV[2], tonumber(ARGV[4])\n"
    "local head = '^' .. string.rep('[0-9a-f]', 16) .. ' ' .. string.rep('[0-9]', 13) .. ' '\n"
    "local none = string.rep('0', 16)\n"
    "local time = redis.call('TIME')\n"
    "local answer = {string.format('%.0f', math.floor(tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000))}\n"
    "while limit > 0 do\n"
    "  local wanted = limit\n"
    "  local names = redis.call('ZRANGEBYLEX', KEYS[1], least, ARGV[3], 'LIMIT', 0, wanted)\n"
    "  for _, name in ipairs(names) do\n"
    "    local value = redis.pcall('GET', tag .. name)\n"
    "    if type(value) == 'table' then\n" /* an error: of the key's type, or of the server */
    "      if not string.find(value.err, 'WRONGTYPE', 1, true) then return value end\n"
    "    elseif not value then\n"
    "      redis.pcall('ZREM', KEYS[1], name)\n" /* it has ended by itself */
    "    elseif string.find(value, head) and string.sub(value, 1, 16) ~= none then\n"
    "      answer[#answer + 1] = name\n"
    "      answer[#answer + 1] = value\n"
    "      limit = limit - 1\n"
    "    end\n"
    "    least = '(' .. name\n"
    "  end\n"
    "  if #names < wanted then break end\n"
    "end\n"
    "return answer\n";
