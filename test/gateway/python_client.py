"""The stock OpenAI client for Python against a gateway: prints what it sees as one JSON object.

Arguments: base URL, API key, API key of an account with one credit.
"""

import json
import sys

import openai

base_url, key, poor_key = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)
poor = openai.OpenAI(base_url=base_url, api_key=poor_key, max_retries=0)
tool = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def says(text):
    return [{"role": "user", "content": text}]


seen = {}

answer = client.chat.completions.create(model="fast", messages=says('{"tokens": 20}'))
seen["whole"] = {"text": answer.choices[0].message.content, "tollgate": answer.tollgate}

stream = client.chat.completions.create(model="fast", messages=says('{"tokens": 20}'), stream=True)
# choices[0] of every chunk, as most programs read it.
chunks = [(chunk.choices[0].delta.content or "", getattr(chunk, "tollgate", None)) for chunk in stream]
seen["stream"] = {"text": "".join(text for text, _ in chunks), "tollgate": chunks[-1][1]}

with client.chat.completions.stream(
    model="fast", messages=says('{"tokens": 20}'), stream_options={"include_usage": True}
) as helper:
    seen["events"] = sorted({event.type for event in helper})
    seen["helper"] = helper.get_final_completion().usage.completion_tokens

with client.chat.completions.stream(model="practice/plain", messages=says("get weather for Oslo"), tools=[tool]) as helper:
    helper.until_done()
    call = helper.get_final_completion().choices[0].message.tool_calls[0]
    seen["tool"] = {"name": call.function.name, "arguments": json.loads(call.function.arguments)}

seen["models"] = [model.id for model in client.models.list()]

read = 0
try:
    for chunk in poor.chat.completions.create(model="fast", messages=says('{"tokens": 5000}'), stream=True):
        read += 1
    seen["cut"] = None
except openai.APIError as error:
    seen["cut"] = {"code": error.code, "message": error.message, "read": read > 100, "tollgate": error.body["tollgate"]["model"]}

try:
    poor.with_options(max_retries=2).chat.completions.create(model="fast", messages=says("{}"))
    seen["refused"] = None
except openai.APIStatusError as error:
    seen["refused"] = {"status": error.status_code, "code": error.code}

print(json.dumps(seen))
