require "cgi"
require "json"
require "time"
require_relative "tally"

STARTED = Time.now
$served = 0

require_relative "request"

$served += 1
cgi = CGI.new
path = ENV["PATH_INFO"]

case [cgi.request_method, path]
in ["GET", "/"]
  name = cgi.params["name"].first || "world"
  cgi.out("text/plain; charset=utf-8") { "#{ENV["GREETING"]}, #{name}! This is Ruby #{RUBY_VERSION}.\n" }
in ["POST", "/words"]
  cgi.out("application/json") { JSON.generate(Tally.of(cgi.params["text"].first)) + "\n" }
in ["GET", "/state"]
  state = { served: $served, random: rand, secure: Random.urandom(8).unpack1("H*"), now: Time.now.iso8601, started: STARTED.iso8601 }
  cgi.out("application/json") { JSON.generate(state) + "\n" }
in ["GET", "/error"]
  raise "on purpose"
else
  cgi.out("status" => "NOT_FOUND", "type" => "text/plain") { "There is nothing at #{path}.\n" }
end
