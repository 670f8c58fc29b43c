// The completion script for fish.
import type { Command } from '../command.js';
import { firstWords, flagsOf, secondWords } from './words.js';

export function fishCompletion(commands: readonly Command[]): string {
  const lines = ['# fish completion for relay; made by `relay completion fish`', 'complete -c relay -f'];
  for (const [word, doc] of firstWords(commands)) {
    lines.push(line('__fish_use_subcommand', `-a ${word}`, doc));
    const seconds = secondWords(commands, word);
    for (const [second, what] of seconds) lines.push(line(`__fish_seen_subcommand_from ${word}; and not __fish_seen_subcommand_from ${[...seconds.keys()].join(' ')}`, `-a ${second}`, what));
  }
  for (const command of commands) lines.push(...commandLines(command));
  lines.push('complete -c sealrelay -w relay');
  return lines.join('\n');
}

function commandLines(command: Command): string[] {
  const when = command.name
    .split(' ')
    .map((word) => `__fish_seen_subcommand_from ${word}`)
    .join('; and ');
  const operands = (command.operandChoices ?? []).map((word) => line(when, `-a ${word}`, ''));
  const flags = flagsOf(command).map(({ flag, doc, values, takesPath, takesValue }) => {
    const value = takesPath ? ' -r -F' : values.length > 0 ? ` -x -a '${values.join(' ')}'` : takesValue ? ' -x' : '';
    return line(when, `-l '${flag.slice(2)}'${value}`, doc);
  });
  return [...operands, ...flags];
}

function line(when: string, what: string, doc: string): string {
  return `complete -c relay -n '${when}' ${what}${doc === '' ? '' : ` -d '${doc.replaceAll(/['\\]/g, '')}'`}`;
}
