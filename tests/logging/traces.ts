/** Stack traces that `detect_exceptions` joins, in the stderr formats of several languages. */
export const traces = {
  Java: `Exception in thread "main" java.lang.IllegalStateException: cannot start
	at com.example.Shop.start(Shop.java:12)
	at com.example.Shop.main(Shop.java:5)
	Suppressed: java.lang.RuntimeException: while closing
		at com.example.Shop.close(Shop.java:30)
Caused by: java.io.IOException: cannot read
	at com.example.Files.read(Files.java:3)
	... 1 more`,
  "Java, of a logger and without a message": `2026-11-23 10:15:00.123 ERROR 1 --- [main] c.e.Shop : Failed: com.example.OrderException
	at com.example.Shop.order(Shop.java:40) ~[shop.jar:1.0]
	at java.base/java.lang.Thread.run(Thread.java:840) ~[na:na]
Caused by: java.lang.NullPointerException: null
	... 3 common frames omitted`,
  "Node.js": `TypeError: something is undefined
${Array.from({ length: 30 }, (_, line) => `    at frame${String(line)} (file.js:${String(line)}:1)`).join("\n")}
    at async Promise.all (index 0)`,
  ".NET": `Unhandled exception. System.InvalidOperationException: no fish
   at Shop.Order() in /src/Shop.cs:line 3
   at Shop.Main() in /src/Shop.cs:line 9`,
  Python: `Traceback (most recent call last):
  File "/app/main.py", line 12, in <module>
    main()
  File "/app/main.py", line 8, in main
    return shop.prices["fish"]
KeyError: 'fish'`,
  Go: `panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x45]

goroutine 1 [running]:
main.(*Shop).Order(...)
	/app/main.go:7
main.main()
	/app/main.go:20 +0x45

goroutine 18 [chan receive, 2 minutes]:
main.worker(0xc0000)
	/app/main.go:30 +0x45
created by main.startWorker in goroutine 1
	/app/main.go:15 +0x2c`,
  "Go, of an HTTP server": `2026/11/23 10:15:00 http: panic serving 10.0.0.7:41234: boom
goroutine 35 [running]:
net/http.(*conn).serve.func1()
	/usr/local/go/src/net/http/server.go:1947 +0xbe
created by net/http.(*Server).Serve in goroutine 1
	/usr/local/go/src/net/http/server.go:3454 +0x485`,
} as const;
