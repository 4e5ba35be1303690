"""Emoji by their short names, as people type them: ``:tada:`` is 🎉."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["EMOJI", "replace_shortcodes"]

_TABLE: Final = """
+1 👍  -1 👎  thumbsup 👍  thumbsdown 👎  ok_hand 👌  clap 👏  wave 👋  pray 🙏  muscle 💪  raised_hands 🙌
point_up ☝️  point_down 👇  point_left 👈  point_right 👉  handshake 🤝  fist 👊  v ✌️  crossed_fingers 🤞
raised_hand ✋  writing_hand ✍️  shrug 🤷  facepalm 🤦  bow 🙇  salute 🫡
smile 😄  smiley 😃  grin 😁  grinning 😀  joy 😂  rofl 🤣  laughing 😆  sweat_smile 😅  blush 😊  innocent 😇
wink 😉  heart_eyes 😍  kissing_heart 😘  yum 😋  stuck_out_tongue 😛  sunglasses 😎  nerd 🤓  thinking 🤔
neutral_face 😐  expressionless 😑  smirk 😏  unamused 😒  rolling_eyes 🙄  grimacing 😬  relieved 😌  pensive 😔
sleepy 😪  sleeping 😴  mask 😷  sick 🤒  dizzy_face 😵  exploding_head 🤯  cowboy 🤠  partying_face 🥳
confused 😕  worried 😟  frowning ☹️  open_mouth 😮  astonished 😲  flushed 😳  pleading 🥺  fearful 😨
cold_sweat 😰  cry 😢  sob 😭  scream 😱  disappointed 😞  sweat 😓  weary 😩  tired 😫  yawning 🥱
angry 😠  rage 😡  triumph 😤  upside_down 🙃  slight_smile 🙂  hugs 🤗  shushing 🤫  zipper_mouth 🤐
melting 🫠  eyes 👀  skull 💀  ghost 👻  alien 👽  robot 🤖  poop 💩  clown 🤡  see_no_evil 🙈  hear_no_evil 🙉
speak_no_evil 🙊  brain 🧠  baby 👶  ninja 🥷
heart ❤️  orange_heart 🧡  yellow_heart 💛  green_heart 💚  blue_heart 💙  purple_heart 💜  black_heart 🖤
white_heart 🤍  broken_heart 💔  sparkling_heart 💖  kiss 💋  100 💯  boom 💥  fire 🔥  sparkles ✨  star ⭐
star2 🌟  zap ⚡  dizzy 💫  sweat_drops 💦  dash 💨  zzz 💤
tada 🎉  confetti 🎊  balloon 🎈  gift 🎁  trophy 🏆  medal 🏅  crown 👑  gem 💎  bell 🔔  no_bell 🔕
rocket 🚀  ship 🚢  airplane ✈️  car 🚗  bike 🚲  train 🚆  construction 🚧  rotating_light 🚨  anchor ⚓
check ✔️  white_check_mark ✅  x ❌  heavy_plus_sign ➕  heavy_minus_sign ➖  question ❓  exclamation ❗
warning ⚠️  no_entry ⛔  stop 🛑  recycle ♻️  sos 🆘  new 🆕  ok 🆗  red_circle 🔴  yellow_circle 🟡
green_circle 🟢  blue_circle 🔵  arrow_up ⬆️  arrow_down ⬇️  arrow_left ⬅️  arrow_right ➡️
bug 🐛  wrench 🔧  hammer 🔨  gear ⚙️  toolbox 🧰  lock 🔒  unlock 🔓  key 🔑  bulb 💡  mag 🔍  link 🔗
package 📦  books 📚  book 📖  memo 📝  pencil ✏️  clipboard 📋  pushpin 📌  paperclip 📎  scissors ✂️
calendar 📅  chart_up 📈  chart_down 📉  bar_chart 📊  email 📧  phone 📞  computer 💻  keyboard ⌨️
floppy_disk 💾  camera 📷  movie 🎬  art 🎨  microphone 🎤  headphones 🎧  guitar 🎸  dart 🎯  game 🎮
dice 🎲  hourglass ⌛  alarm_clock ⏰  stopwatch ⏱️  moneybag 💰  bomb 💣  pill 💊  door 🚪  broom 🧹
coffee ☕  tea 🍵  beer 🍺  beers 🍻  wine 🍷  champagne 🍾  pizza 🍕  hamburger 🍔  cake 🍰  birthday 🎂
cookie 🍪  popcorn 🍿  apple 🍎  banana 🍌  lemon 🍋  taco 🌮
sun ☀️  cloud ☁️  rain 🌧️  snowflake ❄️  snowman ⛄  rainbow 🌈  umbrella ☔  ocean 🌊  moon 🌙
earth 🌍  mountain ⛰️  tree 🌳  christmas_tree 🎄  cactus 🌵  seedling 🌱  rose 🌹  four_leaf_clover 🍀
cat 🐱  dog 🐶  fox 🦊  bear 🐻  panda 🐼  penguin 🐧  owl 🦉  snake 🐍  turtle 🐢  whale 🐳  octopus 🐙
crab 🦀  unicorn 🦄  bee 🐝  butterfly 🦋  snail 🐌  hedgehog 🦔  sloth 🦥  duck 🦆  monkey 🐒
"""

EMOJI: Final[dict[str, str]] = dict(zip(_TABLE.split()[::2], _TABLE.split()[1::2], strict=True))
"""The emoji of each short name, without its colons."""

_SHORTCODE: Final = re.compile(r":([a-z0-9_+-]+):")


def replace_shortcodes(text: str) -> str:
    """``text`` with the emoji in place of each ``:name:`` that is known; all else stays as it is."""
    return _SHORTCODE.sub(lambda found: EMOJI.get(found[1], found[0]), text)
