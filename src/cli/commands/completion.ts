// `relay completion`: lets a shell complete commands, options and their values.
import { RelayError } from '../../errors.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import { bashCompletion } from '../completion/bash.js';
import { fishCompletion } from '../completion/fish.js';
import { zshCompletion } from '../completion/zsh.js';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** Takes the list as a function, because the list holds this command too. */
export function completionCommand(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    summary: 'prints completions for bash, zsh or fish',
    about: ['Prints a script that teaches a shell the commands of relay, their options and the values of these.'],
    operand: '<shell>',
    operandChoices: Object.keys(SHELLS),
    options: [],
    switches: [JSON_SWITCH],
    examples: [
      { line: 'relay completion bash > relay.bash', does: 'load it with `source relay.bash`, or put it into /etc/bash_completion.d' },
      { line: 'relay completion zsh > _relay', does: 'put it into a directory of $fpath' },
      { line: 'relay completion fish > relay.fish', does: 'put it into ~/.config/fish/completions' },
      { line: 'relay completion bash --json', does: 'the script inside JSON, for an installer' },
    ],
    exits: ['done', 'failed'],
    run: async ({ operands, switches }, io) => {
      const [shell, render] = Object.entries(SHELLS).find(([name]) => name === operands[0]) ?? [];
      if (render === undefined) throw new RelayError('config_invalid', '`relay completion` needs a shell', { hint: `Give one of ${Object.keys(SHELLS).join(', ')}.` });
      const script = render(commands());
      io.print(switches.has('json') ? JSON.stringify({ shell, script }) : script);
      return EXIT_OK;
    },
  };
}
