package fairlead.interop;

import jakarta.jms.BytesMessage;
import jakarta.jms.MapMessage;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.ObjectMessage;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.StreamMessage;
import jakarta.jms.TextMessage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Every kind of body, header and property comes as it was sent. */
final class Bodies {
  private Bodies() {}

  static void addTo(Map<String, Scenario> all) {
    all.put("body-text", Bodies::text);
    all.put("body-bytes", Bodies::bytes);
    all.put("body-map", Bodies::map);
    all.put("body-object", Bodies::object);
    all.put("body-stream", Bodies::stream);
    all.put("body-none", Bodies::none);
    all.put("properties", Bodies::properties);
    all.put("headers", Bodies::headers);
  }

  /** Makes a message in a session. */
  @FunctionalInterface
  private interface Maker {
    Message make(Session session) throws Exception;
  }

  /** What a message becomes on its way. */
  private static Message through(Stage stage, Maker maker) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    MessageConsumer consumer = session.createConsumer(queue);
    try (MessageProducer producer = session.createProducer(queue)) {
      producer.send(maker.make(session));
    }
    Message message = consumer.receive(Stage.PATIENCE_MS);
    stage.report().check("comes", message != null, String.valueOf(message));
    return message;
  }

  private static void text(Stage stage) throws Exception {
    for (String text : Arrays.asList("plain", "", "J\u00e4germeister \u65e5\u672c \ud83e\uded6", null, "x".repeat(100_000))) {
      TextMessage got = (TextMessage) through(stage, session -> session.createTextMessage(text));
      stage.report().equal("text of " + (text == null ? "nothing" : text.length()), text, got.getText());
    }
  }

  private static void bytes(Stage stage) throws Exception {
    BytesMessage got = (BytesMessage) through(stage, session -> {
      BytesMessage message = session.createBytesMessage();
      message.writeBoolean(true);
      message.writeInt(-5);
      message.writeLong(Long.MIN_VALUE);
      message.writeDouble(2.5);
      message.writeUTF("\u00fc");
      message.writeBytes(new byte[] {0, 1, -1});
      return message;
    });
    stage.report().equal("boolean", true, got.readBoolean());
    stage.report().equal("int", -5, got.readInt());
    stage.report().equal("long", Long.MIN_VALUE, got.readLong());
    stage.report().equal("double", 2.5, got.readDouble());
    stage.report().equal("UTF", "\u00fc", got.readUTF());
    byte[] rest = new byte[3];
    stage.report().equal("length of bytes", 3, got.readBytes(rest));
    stage.report().equal("bytes", "[0, 1, -1]", Arrays.toString(rest));
  }

  private static void map(Stage stage) throws Exception {
    MapMessage got = (MapMessage) through(stage, session -> {
      MapMessage message = session.createMapMessage();
      message.setBoolean("boolean", true);
      message.setByte("byte", (byte) -3);
      message.setShort("short", (short) 300);
      message.setChar("char", '\u00e9');
      message.setInt("int", 70_000);
      message.setLong("long", 1L << 40);
      message.setFloat("float", 1.5f);
      message.setDouble("double", -2.25);
      message.setString("string", "tea");
      message.setBytes("bytes", new byte[] {1, 2});
      return message;
    });
    stage.report().equal("boolean", true, got.getBoolean("boolean"));
    stage.report().equal("byte", (byte) -3, got.getByte("byte"));
    stage.report().equal("short", (short) 300, got.getShort("short"));
    stage.report().equal("char", '\u00e9', got.getChar("char"));
    stage.report().equal("int", 70_000, got.getInt("int"));
    stage.report().equal("long", 1L << 40, got.getLong("long"));
    stage.report().equal("float", 1.5f, got.getFloat("float"));
    stage.report().equal("double", -2.25, got.getDouble("double"));
    stage.report().equal("string", "tea", got.getString("string"));
    stage.report().equal("bytes", "[1, 2]", Arrays.toString(got.getBytes("bytes")));
  }

  private static void object(Stage stage) throws Exception {
    ArrayList<String> sent = new ArrayList<>(List.of("a", "b"));
    ObjectMessage got = (ObjectMessage) through(stage, session -> session.createObjectMessage(sent));
    stage.report().equal("object", sent, got.getObject());
  }

  private static void stream(Stage stage) throws Exception {
    StreamMessage got = (StreamMessage) through(stage, session -> {
      StreamMessage message = session.createStreamMessage();
      message.writeBoolean(false);
      message.writeInt(7);
      message.writeString("tea");
      message.writeDouble(0.5);
      message.writeLong(-9L);
      message.writeBytes(new byte[] {9});
      return message;
    });
    stage.report().equal("boolean", false, got.readBoolean());
    stage.report().equal("int", 7, got.readInt());
    stage.report().equal("string", "tea", got.readString());
    stage.report().equal("double", 0.5, got.readDouble());
    stage.report().equal("long", -9L, got.readLong());
    byte[] bytes = new byte[2];
    stage.report().equal("bytes", 1, got.readBytes(bytes));
  }

  private static void none(Stage stage) throws Exception {
    Message got = through(stage, session -> {
      Message message = session.createMessage();
      message.setStringProperty("only", "this");
      return message;
    });
    stage.report().equal("its property", "this", got.getStringProperty("only"));
    stage.report().check("has no body", !(got instanceof TextMessage), got.getClass().getSimpleName());
  }

  private static void properties(Stage stage) throws Exception {
    Message got = through(stage, session -> {
      Message message = session.createTextMessage("x");
      message.setBooleanProperty("boolean", true);
      message.setByteProperty("byte", (byte) 5);
      message.setShortProperty("short", (short) -300);
      message.setIntProperty("int", 1 << 30);
      message.setLongProperty("long", -(1L << 50));
      message.setFloatProperty("float", 0.25f);
      message.setDoubleProperty("double", 1e100);
      message.setStringProperty("string", "t\u00e9");
      return message;
    });
    stage.report().equal("boolean", true, got.getObjectProperty("boolean"));
    stage.report().equal("byte", (byte) 5, got.getObjectProperty("byte"));
    stage.report().equal("short", (short) -300, got.getObjectProperty("short"));
    stage.report().equal("int", 1 << 30, got.getObjectProperty("int"));
    stage.report().equal("long", -(1L << 50), got.getObjectProperty("long"));
    stage.report().equal("float", 0.25f, got.getObjectProperty("float"));
    stage.report().equal("double", 1e100, got.getObjectProperty("double"));
    stage.report().equal("string", "t\u00e9", got.getObjectProperty("string"));
  }

  private static void headers(Stage stage) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    Queue answers = stage.queue(session);
    Message sent = session.createTextMessage("x");
    sent.setJMSCorrelationID("question 7");
    sent.setJMSReplyTo(answers);
    sent.setJMSType("order");
    sent.setStringProperty("JMSXGroupID", "g");
    sent.setIntProperty("JMSXGroupSeq", 3);
    MessageProducer producer = session.createProducer(queue);
    producer.setPriority(7);
    producer.setTimeToLive(600_000);
    producer.send(sent);
    Message got = session.createConsumer(queue).receive(Stage.PATIENCE_MS);
    stage.report().equal("message id", sent.getJMSMessageID(), got.getJMSMessageID());
    stage.report().equal("correlation id", "question 7", got.getJMSCorrelationID());
    stage.report().equal("reply to", answers, got.getJMSReplyTo());
    stage.report().equal("type", "order", got.getJMSType());
    stage.report().equal("timestamp", sent.getJMSTimestamp(), got.getJMSTimestamp());
    stage.report().equal("expiration", sent.getJMSExpiration(), got.getJMSExpiration());
    stage.report().equal("priority", 7, got.getJMSPriority());
    stage.report().equal("group", "g", got.getStringProperty("JMSXGroupID"));
    stage.report().equal("sequence in the group", 3, got.getIntProperty("JMSXGroupSeq"));
  }
}
