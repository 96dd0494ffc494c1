// npm run status: the nodes and pods, or the containers, and whether the blog answers.
import { blogUrl } from "../config.ts";
import { ownFilters } from "./lib/containers.ts";
import { kubectl, onTerminal } from "./lib/kubectl.ts";
import { main } from "./lib/main.ts";
import { hasLogging, settings } from "./lib/project.ts";
import { prepareStack, stackOutputs } from "./lib/stack.ts";

await main(async () => {
  const config = settings();
  if (config.target === "containers") {
    onTerminal("docker", "ps", "--all", ...ownFilters);
  } else {
    kubectl("get", "nodes");
    console.log();
    const kinds = "pods,services,ingresses,jobs,horizontalpodautoscalers,persistentvolumeclaims";
    for (const namespace of [config.namespace, ...(hasLogging(config) ? [config.loggingNamespace] : [])]) {
      kubectl("get", kinds, "--namespace", namespace, "--output", "wide");
    }
  }
  const url = config.target === "kind" ? blogUrl(config) : await urlOfStack();
  // Only the cluster's network knows.
  if (url.includes("ADDRESS-OF-")) {
    console.log(`\n${url}`);
    return;
  }
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch((error: unknown) => error as Error);
  const ok = answer instanceof Response && answer.ok;
  console.log(
    `\n${url} ${answer instanceof Response ? `answers ${String(answer.status)}` : `does not answer: ${answer.message}`}`,
  );
  if (!ok) process.exitCode = 1;
});

async function urlOfStack(): Promise<string> {
  await prepareStack();
  const { url } = (await stackOutputs()) as { url?: string };
  if (!url) throw new Error('The stack is not up: run "npm run up"');
  return url;
}
