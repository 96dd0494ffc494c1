// npm run logs: follows the logs of the blog until Ctrl-C. Arguments go to `kubectl logs`, or `docker logs`.
import { kubectl, onTerminal } from "./lib/kubectl.ts";
import { main } from "./lib/main.ts";
import { containerNames } from "./lib/containers.ts";
import { settings } from "./lib/project.ts";

await main(() => {
  const { namespace, target } = settings();
  const args = ["--follow", "--tail", "20", ...process.argv.slice(2)];
  if (target === "containers") {
    const name = containerNames().find((candidate) => candidate.endsWith("-blog"));
    if (!name) throw new Error('The blog is not up: run "PULUMI_STACK=containers npm run up"');
    process.exitCode = onTerminal("docker", "logs", ...args, name);
  } else {
    const pods = ["--namespace", namespace, "--selector", "app.kubernetes.io/name=koa-blog"];
    process.exitCode = kubectl("logs", ...pods, "--prefix", "--max-log-requests", "20", ...args);
  }
});
