"""What users of OpenAI's own client for Python do. Prints one JSON object; the test reads it."""

import json
import sys

import openai
from openai import OpenAI

base_url, key, empty_key, small_key = sys.argv[1:]
client = OpenAI(base_url=base_url, api_key=key, max_retries=0)


def ask(text):
    return [{"role": "user", "content": text}]


found = {}

answer = client.chat.completions.create(model="fast", messages=ask('{"tokens": 12}'))
found["whole"] = {"words": len(answer.choices[0].message.content.split()), "tollgate": answer.tollgate}

chunks = list(
    client.chat.completions.create(
        model="fast", messages=ask('{"tokens": 12}'), stream=True, stream_options={"include_usage": True}
    )
)
found["streamed"] = {
    "words": len("".join(c.choices[0].delta.content or "" for c in chunks if c.choices).split()),
    "tokens": chunks[-1].usage.completion_tokens,
}

with client.chat.completions.stream(model="fast", messages=ask('{"tokens": 12}')) as stream:
    for _ in stream:
        pass
    found["helper"] = len(stream.get_final_completion().choices[0].message.content.split())

tool = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
called = client.chat.completions.create(
    model="advanced", messages=ask("Please get weather for Oslo."), tools=[tool], tool_choice="required"
)
call = called.choices[0].message.tool_calls[0]
found["tool"] = {"name": call.function.name, "arguments": sorted(json.loads(call.function.arguments))}

found["models"] = sorted(model.id for model in client.models.list())

try:
    OpenAI(base_url=base_url, api_key=empty_key).chat.completions.create(model="fast", messages=ask("Hello"))
except openai.APIStatusError as error:
    found["depleted"] = {"status": error.status_code, "code": error.code, "message": error.message}

try:
    text = ""
    stream = OpenAI(base_url=base_url, api_key=small_key).chat.completions.create(
        model="fast", messages=ask('{"tokens": 50000, "perChunk": 50}'), stream=True
    )
    for chunk in stream:
        text += chunk.choices[0].delta.content or ""
    found["cut"] = "ended in silence"
except openai.APIError as error:
    found["cut"] = {"code": error.code, "some_text": len(text) > 0}

print(json.dumps(found))
