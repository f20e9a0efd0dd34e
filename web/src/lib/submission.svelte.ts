// A form that sends a mutation: one attempt at a time, with the errors of its payload, or of the request.

/** An error of the payload of a mutation: what is wrong, and the path of the field in the input. */
export interface InputProblem {
  message: string;
  inputPath: string[];
}

/** Return the state of a form; `send` returns the errors of the payload, none if the mutation was accepted. */
export function submission(send: (form: FormData) => Promise<InputProblem[]>) {
  let sending = $state(false);
  let problems = $state.raw<InputProblem[]>([]);
  let failure = $state.raw<unknown>(null);
  return {
    get sending() { return sending; },
    get problems() { return problems; },
    get failure() { return failure; },
    async submit(event: SubmitEvent & { currentTarget: HTMLFormElement }): Promise<void> {
      event.preventDefault();
      if (sending) return;
      sending = true;
      problems = [];
      failure = null;
      try {
        problems = await send(new FormData(event.currentTarget));
      } catch (error) {
        failure = error;
      } finally {
        sending = false;
      }
    },
  };
}

/** Return the text of a field without spaces around it; undefined if it is empty. */
export function textOf(form: FormData, name: string): string | undefined {
  return String(form.get(name) ?? '').trim() || undefined;
}
