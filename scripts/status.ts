// npm run status: the nodes, the pods, and whether the blog answers.
import { blogUrl } from "../config.ts";
import { kubectl } from "./lib/kubectl.ts";
import { main } from "./lib/main.ts";
import { hasLogging, settings } from "./lib/project.ts";

await main(async () => {
  const config = settings();
  kubectl("get", "nodes");
  console.log();
  const kinds = "pods,services,jobs,persistentvolumeclaims";
  for (const namespace of [config.namespace, ...(hasLogging(config) ? [config.loggingNamespace] : [])]) {
    kubectl("get", kinds, "--namespace", namespace, "--output", "wide");
  }
  const url = blogUrl(config);
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch((error: unknown) => error as Error);
  const ok = answer instanceof Response && answer.ok;
  console.log(
    `\n${url} ${answer instanceof Response ? `answers ${String(answer.status)}` : `does not answer: ${answer.message}`}`,
  );
  if (!ok) process.exitCode = 1;
});
