# Waits for the request. What has run before this line has run once, before any request came; what follows runs in every request, each time from the
# state that Ruby is in here.
File.binread("/proc/self/environ").split("\0").each { |variable| ENV.store(*variable.split("=", 2)) }
srand # or every request would get the same numbers
