import { yamlText } from '../../facts/yaml.ts'
import { dirname } from '../../paths.ts'
import { comment, type Recipe } from './recipe.ts'

/** Jinja marks in the text are kept from being read as such. */
const yaml = (text: string): string => `${/\{[{%#]/.test(text) ? '!unsafe ' : ''}${yamlText(text)}`

export function ansible({ changes, steps }: Recipe): string {
  const tasks = changes.flatMap(({ target, before, after }, at) => {
    const register = `\n  register: asr_doctor_${at}`
    if (after === null) return [`- name: ${yaml(`Remove ${target}`)}\n  ansible.builtin.file:\n    path: ${yaml(target)}\n    state: absent${register}`]
    const folder = before === null ? [`- name: ${yaml(`Folder of ${target}`)}\n  ansible.builtin.file:\n    path: ${yaml(dirname(target))}\n    state: directory`] : []
    return [...folder, `- name: ${yaml(`Write ${target}`)}\n  ansible.builtin.copy:\n    dest: ${yaml(target)}\n    content: ${yaml(after)}\n    mode: ${before === null ? '"0644"' : 'preserve'}`.replace('\n    mode: preserve', '') + register]
  })
  // A list of tasks cannot hold handlers, so each step looks whether there is anything to make effective: a service is not to be restarted by every play.
  const changed = changes.map((_, at) => `asr_doctor_${at} is changed`).join(' or ')
  const after = steps.map(({ words, command }) => (command === null ? comment(words) : `- name: ${yaml(words)}\n  ansible.builtin.command:\n    argv: [${command.map(yaml).join(', ')}]\n  when: ${changed}`))
  return `${[...tasks, ...after].join('\n')}\n`
}
