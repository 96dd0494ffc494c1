const frames = (count: number) =>
  Array.from({ length: count }, (_, line) => `    at frame${String(line)} (file.js:${String(line)}:1)`);

/** Stack traces in the stderr formats of several languages. */
export const traces = {
  Python: `Traceback (most recent call last):
  File "/app/main.py", line 12, in <module>
    main()
    ~~~~^^
  File "/app/main.py", line 8, in main
    return shop.prices["fish"]
           ~~~~~~~~~~~^^^^^^^^
  [Previous line repeated 3 more times]
KeyError: 'fish'`,
  "Python with a chain": `Traceback (most recent call last):
  File "/app/chain.py", line 3, in load
    raise OSError("disk")
OSError: disk

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/chain.py", line 9, in retry
    raise shop.errors.Unavailable("later") from None
shop.errors.Unavailable: later

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/chain.py", line 20, in <module>
    run()
SystemExit: 3`,
  "Python without a message": `Traceback (most recent call last):
  File "/app/stop.py", line 1, in <module>
    sleep(9)
KeyboardInterrupt`,
  "Python, of a group": `  + Exception Group Traceback (most recent call last):
  |   File "/app/group.py", line 1, in <module>
  |     raise ExceptionGroup("two", [ValueError(1)])
  | ExceptionGroup: two (1 sub-exception)
  +-+---------------- 1 ----------------
    | ValueError: 1
    +------------------------------------`,
  Go: `panic: runtime error: index out of range [5] with length 3 [recovered]
	panic: repanicked
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x45]

goroutine 1 [running]:
panic({0x47b0e0?, 0xc000012090?})
	/usr/local/go/src/runtime/panic.go:787 +0x132
main.(*AppError).Fail(...)
	/app/main.go:7
github.com/team/shop/errors.HandleError[...](0xc000, {0x1, 0x2})
	/app/errors.go:11 +0x1d
main.main()
	/app/main.go:20 +0x45

goroutine 18 [chan receive, 2 minutes]:
main.worker(0xc0000)
	/app/main.go:30 +0x45
created by main.startErrorWorker in goroutine 1
	/app/main.go:15 +0x2c
exit status 2`,
  "Go, of an HTTP server": `2026/11/23 10:15:00 http: panic serving 10.0.0.7:41234: boom
goroutine 35 [running]:
net/http.(*conn).serve.func1()
	/usr/local/go/src/net/http/server.go:1947 +0xbe
created by net/http.(*Server).Serve in goroutine 1
	/usr/local/go/src/net/http/server.go:3454 +0x485`,
  "Go, of a deadlock": `fatal error: all goroutines are asleep - deadlock!

goroutine 1 [chan receive]:
main.main()
	/app/main.go:5 +0x25`,
  Java: `Exception in thread "main" java.lang.IllegalStateException: cannot start
	at com.example.Shop.start(Shop.java:12)
	at com.example.Shop.main(Shop.java:5)
	Suppressed: java.lang.RuntimeException: while closing
		at com.example.Shop.close(Shop.java:30)
Caused by: java.io.IOException: cannot read
	at com.example.Files.read(Files.java:3)
	... 1 more
Caused by: java.net.ConnectException: refused
	at com.example.Net.connect(Net.java:9)
	... 2 more`,
  "Java, of a logger": `2026-11-23 10:15:00.123 ERROR 1 --- [main] c.e.Shop : Failed: com.example.OrderException
	at com.example.Shop.order(Shop.java:40) ~[shop.jar:1.0]
	at java.base/java.lang.Thread.run(Thread.java:840) ~[na:na]
Caused by: java.lang.NullPointerException: null
	... 3 common frames omitted`,
  "Node.js": `TypeError: something is undefined
${frames(29).join("\n")}
    at async Promise.all (index 0) {
  code: 'E_FISH',
  [cause]: Error: the cause
      at cause (file.js:1:1)
}

Node.js v24.21.0`,
  Ruby: `shop.rb:3:in 'Shop#order': no fish (Shop::Empty)
	from shop.rb:7:in 'block in Shop#run'
	from shop.rb:9:in '<main>'`,
  PHP: `PHP Fatal error:  Uncaught Exception: first in /app/shop.php:3
Stack trace:
#0 /app/shop.php(7): order()
#1 {main}

Next RuntimeException: second in /app/shop.php:9
Stack trace:
#0 {main}
  thrown in /app/shop.php on line 9`,
  ".NET": `Unhandled exception. System.InvalidOperationException: outer
 ---> System.Exception: inner
   at Shop.Order() in /src/Shop.cs:line 3
   --- End of inner exception stack trace ---
   at Shop.Main() in /src/Shop.cs:line 9
--- End of stack trace from previous location ---
   at Shop.Run()`,
  ".NET console logger": `fail: Microsoft.AspNetCore.Server.Kestrel[13]
      Connection id "0HN", Request id "0HN:1": An unhandled exception was thrown by the application.
      System.Exception: boom
         at Shop.Order() in /src/Shop.cs:line 3`,
} as const;
