// npm run logs: follows the logs of the blog until Ctrl-C. Arguments go to `kubectl logs`.
import { blogNamespace, followKubectl } from "./lib/kubectl.ts";
import { main } from "./lib/main.ts";
import { refuseSwallowedFlags } from "./lib/npmFlags.ts";

await main(async () => {
  refuseSwallowedFlags("since", "tail");
  const pods = ["--namespace", blogNamespace(), "--selector", "app.kubernetes.io/name=koa-blog"];
  const options = ["--prefix", "--max-log-requests", "20", "--follow", "--tail", "20"];
  process.exitCode = await followKubectl("logs", ...pods, ...options, ...process.argv.slice(2));
});
