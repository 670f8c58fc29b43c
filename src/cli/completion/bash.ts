// The completion script for bash; it needs no bash-completion package.
import type { Command } from '../command.js';
import { firstWords, flagsOf, flagsWithValues, secondWords } from './words.js';

export function bashCompletion(commands: readonly Command[]): string {
  const groups = [...firstWords(commands).keys()].filter((first) => secondWords(commands, first).size > 0);
  const values = flagsWithValues(commands).map(({ flag, values }) => `    ${flag}) ${values.length > 0 ? reply(values) : 'compopt -o default'}; return ;;`);
  return `# bash completion for relay; made by \`relay completion bash\`
_relay() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}" words
  COMPREPLY=()
  case "$previous" in
${values.join('\n')}
  esac
  if [ "$COMP_CWORD" -gt 2 ]; then
    case "$command" in
${groups.map((group) => `      ${group}) command="$command \${COMP_WORDS[2]}" ;;`).join('\n')}
    esac
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then command=""; fi
  case "$command" in
    "") words=${quoted([...firstWords(commands).keys(), '--help', '--version'])} ;;
${groups.map((group) => `    ${group}) words=${quoted([...secondWords(commands, group).keys()])} ;;`).join('\n')}
${commands.map((command) => `    "${command.name}") words=${quoted(wordsOf(command))} ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ "\${#COMPREPLY[@]}" -eq 0 ]; then compopt -o default 2>/dev/null; fi
}
complete -F _relay relay sealrelay`;
}

function wordsOf(command: Command): string[] {
  return [...(command.operandChoices ?? []), ...flagsOf(command).map(({ flag }) => flag), '--help'];
}

function reply(values: readonly string[]): string {
  return `COMPREPLY=($(compgen -W ${quoted(values)} -- "$current"))`;
}

function quoted(words: readonly string[]): string {
  return `'${words.join(' ')}'`;
}
