-- POST /sns: the messages of the given directory's files, a line each, one file a thread.
local number = 0

function setup(thread)
	thread:set("number", number)
	number = number + 1
end

function init(args)
	requests = {}
	headers = {["Content-Type"] = "text/plain; charset=UTF-8"}
	for line in io.lines(args[1] .. "/" .. number) do
		requests[#requests + 1] = wrk.format("POST", nil, headers, line)
	end
	sent = 0
end

function request()
	sent = sent % #requests + 1
	return requests[sent]
end
