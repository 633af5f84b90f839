-- For wrk: sends the requests that come on standard input, each behind a line with its length in bytes.
io.stdin:setvbuf('full', 1048576)

function request()
  local length = io.read('*l')
  return io.read(tonumber(length))
end

function done(summary, latency)
  local errors = summary.errors
  local refused = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local ms = function(percent) return latency:percentile(percent) / 1000 end
  print(string.format('FOUND {"seconds": %f, "requests": %d, "refused": %d, "p50": %f, "p95": %f, "p99": %f}',
    summary.duration / 1000000, summary.requests, refused, ms(50), ms(95), ms(99)))
end
