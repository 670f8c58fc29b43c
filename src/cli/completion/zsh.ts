// The completion script for zsh.
import type { Command } from '../command.js';
import { firstWords, flagsOf, flagsWithValues, secondWords } from './words.js';

export function zshCompletion(commands: readonly Command[]): string {
  const groups = [...firstWords(commands).keys()].filter((first) => secondWords(commands, first).size > 0);
  const values = flagsWithValues(commands).map(({ flag, values }) => `    ${flag}) ${values.length > 0 ? `compadd -- ${values.join(' ')}` : '_files'}; return ;;`);
  return `#compdef relay sealrelay
# zsh completion for relay; made by \`relay completion zsh\`
_relay() {
  local command="\${words[2]}"
  local -a found
  case "\${words[CURRENT-1]}" in
${values.join('\n')}
  esac
  if (( CURRENT > 3 )); then
    case "$command" in
${groups.map((group) => `      ${group}) command="$command \${words[3]}" ;;`).join('\n')}
    esac
  fi
  if (( CURRENT == 2 )); then command=""; fi
  case "$command" in
    "") found=(${described(firstWords(commands))}) ;;
${groups.map((group) => `    ${group}) found=(${described(secondWords(commands, group))}) ;;`).join('\n')}
${commands.map((command) => `    "${command.name}") found=(${described(wordsOf(command))}) ;;`).join('\n')}
  esac
  _describe -t words relay found || _files
}
_relay "$@"`;
}

function wordsOf(command: Command): Map<string, string> {
  return new Map([...(command.operandChoices ?? []).map((word) => [word, ''] as const), ...flagsOf(command).map(({ flag, doc }) => [flag, doc] as const)]);
}

/** \`'word:what it does'\`, with what zsh reads as signs taken out. */
function described(words: ReadonlyMap<string, string>): string {
  return [...words].map(([word, doc]) => `'${word.replaceAll(':', '\\:')}:${doc.replaceAll(/['\\:]/g, '')}'`).join(' ');
}
