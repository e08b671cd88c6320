// The probe's operations on the configuration and the log.

import { invoke, log, LOG_WARN, Outcome, utf8 } from "../assembly";
import {
  BindingsReply,
  BindingsRequest,
  OP_BINDINGS,
  OP_SECRETS_GET,
  OP_VARS_GET,
  SecretsGetReply,
  SecretsGetRequest,
  VarsGetReply,
  VarsGetRequest,
} from "../assembly/abi";
import { OK, Probe } from "./probe";

export function readVariable(p: Probe): Outcome {
  const r = invoke<VarsGetReply>(p.target, OP_VARS_GET, new VarsGetRequest());
  if (r.failed) return r;
  p.text(r.value.isJson ? "json " : "text ");
  p.show(utf8(r.value.value));
  p.text("\n");
  return OK;
}

export function readSecret(p: Probe): Outcome {
  const r = invoke<SecretsGetReply>(p.target, OP_SECRETS_GET, new SecretsGetRequest());
  if (r.failed) return r;
  p.text("secret ");
  p.show(utf8(r.value.value));
  p.text("\n");
  return OK;
}

export function bindings(p: Probe): Outcome {
  const r = invoke<BindingsReply>("", OP_BINDINGS, new BindingsRequest());
  if (r.failed) return r;
  const list = r.value.bindings;
  for (let i = 0; i < list.length; i++) p.text(list[i].name + " " + list[i].kind + "\n");
  return OK;
}

/** Writes a line in each of the ways there are. */
export function logLines(p: Probe): Outcome {
  const text = p.param("text");
  log(LOG_WARN, "logged " + text);
  console.log("printed " + text);
  console.error("complained " + text);
  return p.done();
}
