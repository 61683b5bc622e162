// A client typed from the running node's document tells a story; the compiler checks every word of it first.
// Reads {"http": url, "users": [...]} and prints "told".
import createClient from "openapi-fetch";
import type { paths } from "./made.js";

type Ready = { http: string; users: { role: string; email: string; password: string }[] };

let input = "";
for await (const piece of process.stdin) input += piece;
const ready: Ready = JSON.parse(input);
const clinician = ready.users.find((user) => user.role === "clinician")!;
const client = createClient<paths>({ baseUrl: ready.http });

const { data: tokens } = await client.POST("/api/v1/auth/token", {
  body: { email: clinician.email, password: clinician.password },
});
if (!tokens) throw new Error("no sign-in");
client.use({
  onRequest({ request }) {
    request.headers.set("authorization", `Bearer ${tokens.access_token}`);
    return request;
  },
});
const { data: alerts } = await client.GET("/api/v1/alerts", { params: { query: { level: "red" } } });
const alert = alerts?.items[0];
if (!alert || alert.level !== "red") throw new Error("no red alert");
const { data: patient } = await client.GET("/api/v1/patients/{id}", { params: { path: { id: alert.patient_id } } });
if (patient?.id !== alert.patient_id) throw new Error("another patient");
const { data: nobody, error } = await client.GET("/api/v1/patients/{id}", {
  params: { path: { id: "018f0000-0000-7000-8000-000000000001" } },
});
if (nobody || error?.code !== "E_NOT_FOUND") throw new Error("a refusal is a problem with its code");
console.log("told");
