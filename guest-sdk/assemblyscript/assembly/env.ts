// Variables and secrets of the configuration. Read at the top level of a program they cost events nothing: they are part of the image then.

import {
  CODE_NOT_CONFIGURED,
  CODE_WRONG_KIND,
  LOG_ERROR,
  OP_SECRETS_GET,
  OP_VARS_GET,
  SecretsGetReply,
  SecretsGetRequest,
  VarsGetReply,
  VarsGetRequest,
} from "./abi";
import { invoke } from "./call";
import { log } from "./host";
import { Outcome } from "./result";

/**
 * A variable or secret; null when there is none of that name. One that was configured as something else than a string (number, boolean,
 * array, table) comes as its JSON form.
 */
export function variable(name: string): string | null {
  const r = invoke<VarsGetReply>(name, OP_VARS_GET, new VarsGetRequest());
  return found("variable", name, r) ? r.value.value : null;
}

/** A secret; null when there is none of that name. Unlike variable it does not find plain variables. */
export function secret(name: string): string | null {
  const r = invoke<SecretsGetReply>(name, OP_SECRETS_GET, new SecretsGetRequest());
  return found("secret", name, r) ? r.value.value : null;
}

/** Tells a name that is not there, which is an answer, from a failure, which is logged. */
function found(what: string, name: string, r: Outcome): bool {
  if (r.ok) return true;
  const code = r.error.code;
  if (code != CODE_NOT_CONFIGURED && code != CODE_WRONG_KIND) log(LOG_ERROR, "pagesrun: " + what + " " + name + ": " + r.error.message);
  return false;
}
