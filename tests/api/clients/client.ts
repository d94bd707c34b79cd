// A program that uses the types which openapi-typescript makes of the OpenAPI document, with openapi-fetch.
//   node client.js SERVICE GATEWAY
// calls the service, then what stands in front of it, and prints what it was answered as a JSON list.
import createClient from "openapi-fetch";
import type { components, paths } from "./generated.js";

const [service, gateway] = process.argv.slice(2).map((baseUrl) => createClient<paths>({ baseUrl }));
const named = (username: string) => ({ params: { path: { username } } });

// @ts-expect-error: the compiler refuses a field of another name
const misspelt: components["schemas"]["User"] = { birthday: "1990-12-10" };

const stored = await service.PUT("/hello/{username}", { ...named("Ada"), body: { dateOfBirth: "1990-12-10" } });
const greeted = await service.GET("/hello/{username}", named("Ada"));
const unknown = await service.GET("/hello/{username}", named("Nobody"));
const refused = await service.PUT("/hello/{username}", { ...named("Ada"), body: { dateOfBirth: "9999-12-31" } });
const flooded = await gateway.GET("/hello/{username}", named("Ada"));
const novel = await gateway.GET("/hello/{username}", named("Ada"));

const message: string | undefined = greeted.data?.message;
const answers: [number, string | null | undefined, string?][] = [
  [stored.response.status, null],
  [greeted.response.status, message],
  [unknown.response.status, unknown.error?.code],
  [refused.response.status, refused.error?.code],
  [flooded.response.status, flooded.error?.code, flooded.response.headers.get("Retry-After") ?? undefined],
  [novel.response.status, novel.error?.code],
];
console.log(JSON.stringify(answers));
