// npm run logs: follows the logs of the blog's pods until Ctrl-C. Arguments go to `kubectl logs`.
import { kubectl } from "./lib/kubectl.ts";
import { main } from "./lib/main.ts";
import { settings } from "./lib/project.ts";

await main(() => {
  const { namespace } = settings();
  const pods = ["--namespace", namespace, "--selector", "app.kubernetes.io/name=koa-blog"];
  const args = ["--follow", "--prefix", "--tail", "20", "--max-log-requests", "20", ...process.argv.slice(2)];
  process.exitCode = kubectl("logs", ...pods, ...args);
});
