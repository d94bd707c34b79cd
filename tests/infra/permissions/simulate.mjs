// Asks @cloud-copilot/iam-simulate (AGPL-3.0) what policies allow. A program of its own, run by tests and never shipped.
//
//   node simulate.mjs FOLDER < requests.json
//
// FOLDER has node_modules. Writes one word for each request: Allowed, ImplicitlyDenied, ExplicitlyDenied, or an error.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const entry = createRequire(`${process.argv[2]}/`).resolve("@cloud-copilot/iam-simulate");
const { runSimulation } = await import(pathToFileURL(entry));
const { principals, requests } = JSON.parse(readFileSync(0, "utf8"));

const named = (policies) => policies.map((policy, at) => ({ name: `policy-${at}`, policy }));

// The part of a policy that speaks of a service: AWS's own have thousands of actions, and are read anew for each request.
function about(service, policy) {
  const speaks = (action) => action === "*" || action.toLowerCase().startsWith(`${service}:`);
  const statements = policy.Statement.map((each) => each.Action ? { ...each, Action: [each.Action].flat().filter(speaks) } : each);
  return { ...policy, Statement: statements.filter((each) => !each.Action || each.Action.length) };
}

// Some ARNs fit two of AWS's patterns, which the simulator refuses to decide; with a star behind it asks for both.
async function verdict(request) {
  const told = await simulate(request);
  return told === "multiple.resource.types" ? simulate({ ...request, resource: `${request.resource}*` }) : told;
}

async function simulate({ principal, action, resource, account, context, resourcePolicy }) {
  const { arn, policies, boundary, endpoint } = principals[principal];
  const service = action.split(":")[0];
  const held = policies.map((policy) => about(service, policy)).filter((policy) => policy.Statement.length);
  const simulated = await runSimulation({
    request: { principal: arn, action, resource: { resource, accountId: account }, contextVariables: context },
    identityPolicies: named(held),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(boundary && { permissionBoundaryPolicies: named([boundary]) }),
    ...(endpoint && { vpcEndpointPolicies: named([endpoint]) }),
    ...(resourcePolicy && { resourcePolicy }),
  }, {});
  return simulated.resultType === "error" ? simulated.errors.message : simulated.overallResult;
}

const verdicts = [];
for (const request of requests) verdicts.push(await verdict(request));
process.stdout.write(JSON.stringify(verdicts));
