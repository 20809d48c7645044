-- POST /videos with the body of the file that is given.
function init(args)
	local file = assert(io.open(args[1], "r"))
	wrk.method = "POST"
	wrk.headers["Content-Type"] = "application/json"
	wrk.body = file:read("*a")
	file:close()
end
