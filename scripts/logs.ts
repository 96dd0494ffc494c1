// npm run logs: follows the logs of the blog until Ctrl-C. Arguments go to `kubectl logs`, or `docker logs`.
import { blogContainer } from "./lib/containers.ts";
import { kubectl, onTerminal } from "./lib/kubectl.ts";
import { main } from "./lib/main.ts";
import { settings } from "./lib/project.ts";

await main(() => {
  const { namespace, target } = settings();
  const args = ["--follow", "--tail", "20", ...process.argv.slice(2)];
  const pods = ["--namespace", namespace, "--selector", "app.kubernetes.io/name=koa-blog"];
  process.exitCode =
    target === "containers"
      ? onTerminal("docker", "logs", ...args, blogContainer())
      : kubectl("logs", ...pods, "--prefix", "--max-log-requests", "20", ...args);
});
